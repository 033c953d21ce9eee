"""tests.trainer.cli"""
