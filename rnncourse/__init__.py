"""Support package of the course "Recurrent Networks, to the Last Gradient".

``reference``  NumPy: every forward pass with its hand-written backward pass.
``pytorch``    the same files, the same mathematics, on any device.
``models``     networks made of cells, which several chapters train.
``data``       texts, prices and small generated languages that need no download.
``gradients``, ``counting``   is a gradient right, and how far does it reach; what a network costs.
``training``   a short training loop that can be stopped and resumed.
``plots``, ``diagrams``, ``show``, ``exercises``   what the chapters use to draw, to show code and to check answers.
"""

__version__ = "0.1.0"
