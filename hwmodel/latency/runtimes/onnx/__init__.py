"""ONNX Runtime: a graph written as an .onnx file, and run on one processor."""
