"""The checks of the exercises, a file for each lesson. They contain the answers: solve the exercises first."""
