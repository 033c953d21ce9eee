"""A page of what a network is most wrong about, for people to look at, and a list of what they may leave out."""
