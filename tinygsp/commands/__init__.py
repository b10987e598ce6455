"""The commands: train.py, explain.py, sweep.py and bench/, each behind a door of the same name in tinygsp/.

`kit.py` is what all of them share, `options.py` the options of a run. What a command computes is in the rooms below.
"""
