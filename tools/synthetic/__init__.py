"""Making test data with ground truth: fingerprints, twins, arrays. Nothing here is anybody's finger or face."""
