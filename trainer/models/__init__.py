"""Backbones: networks from images to features, of which the objective and the embedding are made.

    registry.py    all backbones by name   ← open this first; a new one is added here
      ├─ convnets.py    small networks for a CPU or a small GPU
      ├─ iresnet.py     IResNet-18, -50, -100
      ├─ deepprint.py   DeepPrint for fingerprints → inception.py
      └─ dcal.py        vision transformer for twins
    layers.py      `Shape`, `Features`, batch norm; all backbones use them

A backbone is a module that is made from a `Shape` and returns `Features`.
"""
