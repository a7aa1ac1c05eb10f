"""The model that a server serves: the ONNX file on one thread, or a scikit-learn pipeline."""

import os

import numpy as np

FEATURES = (
    "MedInc",
    "HouseAge",
    "AveRooms",
    "AveBedrms",
    "Population",
    "AveOccup",
    "Latitude",
    "Longitude",
)


def load_onnx(file):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    output = session.get_outputs()[0].name
    return lambda matrix: session.run([output], {name: matrix})[0]


def load_sklearn(file):
    import joblib

    return joblib.load(file).predict


class Model:
    def __init__(self):
        file = os.environ["MODEL"]
        self.run = load_onnx(file) if file.endswith(".onnx") else load_sklearn(file)

    def predict(self, rows):
        """Returns an array of predictions. The features of a row are in the order of FEATURES."""
        matrix = np.asarray(rows, dtype=np.float32).reshape(-1, len(FEATURES))
        return self.run(matrix)
