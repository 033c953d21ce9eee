"""Writers and runners for tests of hostile datasets. What writes a dataset here shares no code with the product."""
