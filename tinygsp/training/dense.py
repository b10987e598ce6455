"""Phase "dense": trains the plain network, for an accuracy to compare with and for weights to start from."""

from tinygsp.training.phase import WHOLE, Phase


class Dense(Phase):
    """Trains the weights of the network that a run begins with; all its gates are open."""

    name = "dense"
    wiring = WHOLE
