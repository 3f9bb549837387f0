"""Predictors behind HTTP, for search loops in other languages: FastAPI and uvicorn, the extra `serve`."""
