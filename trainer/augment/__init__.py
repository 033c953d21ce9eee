"""From stored pixels to the network's input, on the device: what is drawn is a function of (seed, epoch, sample)."""
