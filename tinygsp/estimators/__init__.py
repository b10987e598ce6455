"""Estimators by the conventions of scikit-learn, which need not be installed: `PrunedClassifier`, `PrunedRegressor`.

`checks.py` checks what `fit` and `predict` are given, `base.py` has what both share. What they fit, and how, is in
`training/tables.py`.
"""

from tinygsp.estimators.classifier import PrunedClassifier
from tinygsp.estimators.regressor import PrunedRegressor

__all__ = ["PrunedClassifier", "PrunedRegressor"]
