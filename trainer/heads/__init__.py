"""From an embedding to a score for every class. Heads run in fp32."""
