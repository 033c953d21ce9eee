"""The rooms of the demo: its steps, its training that is killed, what a folder costs, and what it says at its end."""
