"""One map for a picture and its minutiae."""
