"""tests.trainer.metrics"""
