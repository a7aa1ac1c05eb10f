"""Prints the Shapley values of rows by the package shap, as JSON.

Reads JSON from standard input: `trees`, and for each row the way it takes at each branch of each
tree. A branch asks one player, which is a feature for shap. So that shap takes the same way, its row
is all zeros, and the threshold of a branch is 1 or -1.
"""

import json
import sys

import numpy
import shap

question = json.load(sys.stdin)


def tree_for(tree, ways):
    return {
        "children_left": numpy.array(tree["left"], dtype=numpy.int32),
        "children_right": numpy.array(tree["right"], dtype=numpy.int32),
        "children_default": numpy.array(tree["left"], dtype=numpy.int32),
        "features": numpy.array(tree["players"], dtype=numpy.int32),
        "thresholds": numpy.where(numpy.array(ways), 1.0, -1.0),
        "values": numpy.array(tree["values"], dtype=numpy.float64).reshape(-1, 1),
        "node_sample_weight": numpy.array(tree["rows"], dtype=numpy.float64),
    }


def values_for(row):
    trees = [tree_for(tree, ways) for tree, ways in zip(question["trees"], row)]
    explainer = shap.TreeExplainer({"trees": trees}, feature_perturbation="tree_path_dependent")
    values = explainer.shap_values(numpy.zeros((1, question["players"])), check_additivity=False)
    return {
        "baseline": float(numpy.ravel(explainer.expected_value)[0]),
        "values": numpy.ravel(values).tolist(),
    }


print(json.dumps([values_for(row) for row in question["rows"]]))
