"""The ranks of a job: how they meet, agree, watch each other and end together."""
