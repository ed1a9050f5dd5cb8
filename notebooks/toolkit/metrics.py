"""What figures of a model are called. Pure Python, for whoever has no pandas."""

METRIC_NAMES = {
    "r2": "R²", "mse": "mean squared error", "rmse": "root mean squared error", "mae": "mean absolute error",
    "mape": "mean absolute error in per cent", "accuracy": "accuracy", "precision": "precision", "recall": "recall",
    "f1": "F1", "auc": "AUC", "correlation": "correlation of predicted and actual",
}  # fmt: skip
