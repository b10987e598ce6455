"""Drawings as a hand makes them: the strokes of digits, letters and other things, each drawn several times.

A shape is written as the points that the pen passes, four digits each: x and y in hundredths of a square. Between
strokes stands "|". `drawn` leads a smooth line through the points of each stroke, and moves, stretches, turns, slants
and shakes it as a hand does, by a seed.
"""

import numpy as np

DIGITS = {  # of each digit two ways to write it
    0: (
        "5510 3025 2255 3585 6088 7860 7528 5210",
        "5008 3520 3050 3880 5292 6678 7048 6218 4609",
    ),
    1: (
        "5208 5050 4892",
        "6210 5250 4290",
    ),
    2: (
        "2528 3812 6212 7030 5555 2586 | 2586 5086 7884",
        "2825 4510 6820 6642 4566 2488 5084 8086",
    ),
    3: (
        "2816 5008 7020 6240 4447 6655 7475 5290 2682",
        "3012 6010 7225 5045 | 5045 7260 6684 4292 2580",
    ),
    4: (
        "3010 2635 2852 5053 7548 | 7012 6850 6690",
        "3212 2545 3055 7252 | 7210 6850 6692",
    ),
    5: (
        "7010 5011 3512 | 3512 3042 5240 7055 6680 4590 2482",
        "7212 3814 3444 5642 7062 6084 3890 2480",
    ),
    6: (
        "6008 4030 3060 3886 6088 7068 5552 3464",
        "6610 4228 2862 4290 6682 6660 4855 3270",
    ),
    7: (
        "2414 5013 7612 | 7612 6045 4490",
        "2216 7414 5850 4690 | 4050 7248",
    ),
    8: (
        "6618 4510 3325 5045 6868 5290 3474 5048 6828 6214",
        "5046 3430 4810 6626 5046 3270 5092 7072 5247",
    ),
    9: (
        "7022 5010 3228 4248 6442 7022 | 7022 6855 6292",
        "6816 4212 3436 5448 7030 6818 6660 5690",
    ),
}
LETTERS = {  # those that no digit looks like
    "A": "2090 3550 5010 | 5010 6550 8090 | 3060 7060",
    "E": "7510 3010 | 3010 2890 | 2890 7688 | 3048 6648",
    "F": "7510 3012 | 3012 2890 | 3050 6448",
    "H": "2510 2590 | 7510 7590 | 2550 7550",
    "K": "2810 2890 | 7212 3052 | 3052 7690",
    "M": "1890 2210 | 2210 5060 | 5060 7810 | 7810 8290",
    "N": "2590 2510 | 2510 7590 | 7590 7510",
    "P": "3090 3010 | 3010 6612 7430 6048 3050",
    "R": "3090 3010 | 3010 6612 7032 3050 | 4250 7690",
    "T": "2012 8012 | 5012 5090",
    "U": "2510 2565 5090 7565 7510",
    "V": "2010 5090 | 5090 8010",
    "W": "1210 3290 | 3290 5030 | 5030 6890 | 6890 8810",
    "X": "2210 7890 | 7810 2290",
    "Y": "2210 5048 | 7810 5048 | 5048 5090",
}
OTHERS = {
    "dot": "5050",
    "short dash": "4550 5551",
    "two dots": "3030 | 7070",
    "horizontal line": "1050 9050",
    "cross": "5010 5090 | 1050 9050",
    "square": "2020 8020 | 8020 8080 | 8080 2080 | 2080 2020",
    "triangle": "5010 9085 | 9085 1085 | 1085 5010",
    "zigzag": "1030 3070 | 3070 5030 | 5030 7070 | 7070 9030",
    "hash": "3510 3590 | 6510 6590 | 1035 9035 | 1065 9065",
    "face": "3030 | 7030 | 2565 5085 7565",
}


def smooth(points, n=8):
    """A Catmull-Rom curve through points (k, 2), with n points for each piece of it."""
    points = np.asarray(points, float)
    if len(points) < 3:
        t = np.linspace(0, 1, n)[:, None]
        return points if len(points) < 2 else points[0] * (1 - t) + points[1] * t
    padded = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    t = np.linspace(0, 1, n, endpoint=False)[:, None]
    pieces = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:])
    ]
    return np.vstack([*pieces, points[-1:]])


def drawn(shape, seed):
    """The strokes of a shape as one hand draws them: a list of lists of points [x, y], all in the pad."""
    rng = np.random.default_rng(seed)
    turn, slant = rng.normal(0, 0.06), rng.normal(-0.08, 0.1)
    wide, tall = rng.uniform(0.55, 0.95, 2)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ [[wide, slant], [0, tall]]
    moved, strokes = rng.uniform(-0.04, 0.04, 2), []
    for stroke in shape.split(" | "):
        passed = np.array([(int(point[:2]), int(point[2:])) for point in stroke.split()]) / 100
        points = smooth(passed + rng.normal(0, 0.018, passed.shape))
        shake = np.cumsum(rng.normal(0, 0.002, points.shape), axis=0)
        points = (points - 0.5 + shake) @ matrix.T + 0.5 + moved
        strokes.append(np.clip(points, 0.01, 0.99).round(4).tolist())
    return strokes


def digits(times=3):
    """(digit, strokes) of every way to write each digit, drawn several times: 60 drawings."""
    for digit, ways in DIGITS.items():
        for way, shape in enumerate(ways):
            for time in range(times):
                yield digit, drawn(shape, (digit, way, time))


def others(times=3):
    """(name, strokes) of letters and other things, each drawn several times."""
    for number, (name, shape) in enumerate({**LETTERS, **OTHERS}.items()):
        for time in range(times):
            yield name, drawn(shape, (1000 + number, time))


# --- what the page should make of them ----------------------------------------------------------------------


def ink(strokes, place, pen, rows=28, cols=28):
    """How much of each pixel (rows, cols) a round pen of this diameter covers, its edge one pixel wide."""
    y, x = np.mgrid[:rows, :cols] + 0.5
    distance = np.full((rows, cols), np.inf)
    for stroke in strokes:
        points = [place(np.array(point)) for point in stroke]
        for a, b in zip([points[0], *points], points):
            d = b - a
            t = np.clip(((x - a[0]) * d[0] + (y - a[1]) * d[1]) / max(d @ d, 1e-12), 0, 1)
            distance = np.minimum(distance, np.hypot(x - a[0] - t * d[0], y - a[1] - t * d[1]))
    return np.clip(pen / 2 + 0.5 - distance, 0, 1)


def centre_of_mass(image):
    """(x, y) of the centre of mass of an image, in pixels from its corner."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]] + 0.5
    return np.array([(image * x).sum(), (image * y).sum()]) / image.sum()


def as_mnist(strokes):
    """A drawing (28, 28) as MNIST has it: 20 pixels long, centre of mass in the middle of pixel 14."""
    points, pen = np.array([point for stroke in strokes for point in stroke]), 2.4
    low, high = points.min(axis=0), points.max(axis=0)
    scale = (20 - pen - 1) / max((high - low).max(), 0.1)
    first = ink(strokes, lambda p: (p - (low + high) / 2) * scale + 14, pen)
    shift = 14.5 - centre_of_mass(first)
    return ink(strokes, lambda p: (p - (low + high) / 2) * scale + 14 + shift, pen) * 255
