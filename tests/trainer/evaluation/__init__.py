"""tests.trainer.evaluation"""
