"""Classification heads: from an embedding and a label to class scores or a loss.

    margin.py      softmax and cosine heads on every rank, the margins CosFace, ArcFace and AdaFace, cross entropy
    partial_fc.py  the cosine head with classes spread over ranks and sampled → margin.py

A new margin goes to margin.py. Losses that do not classify are in trainer/losses.py; build.py makes a head from [head].
"""
