"""Faults that a disk or a kernel could inject, for the tests of any part of the house."""
