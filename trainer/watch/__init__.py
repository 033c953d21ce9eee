"""What a run tells of itself: measurements, what they mean, and where they go.

The loop hands over plain values; no model is known here, and no other rank is asked. JSON lines come first; what else
listens (a console, TensorBoard, W&B) may fail without ending the run. Nothing is sent over a network.
"""
