"""From scores to the number that gets smaller. Losses run in fp32."""
