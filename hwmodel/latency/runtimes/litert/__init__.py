"""LiteRT (TensorFlow Lite): a graph written as a .tflite file, without TensorFlow, and run with XNNPACK's kernels."""
