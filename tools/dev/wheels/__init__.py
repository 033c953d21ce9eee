"""What `make wheelhouse` is made of: for whom, what is needed, fetching it, and the folder that is carried away."""
