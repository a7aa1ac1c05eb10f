"""Computes Shapley values with the package shap, and prints them as JSON.

Standard input is JSON: `trees`, and for each row the direction that it takes at each branch of each
tree. For shap, each player is a feature. Each row that shap gets is all zeros, so a threshold of 1 or
-1 makes it take that direction.
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
