"""tests.trainer.distributed"""
