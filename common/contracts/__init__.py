"""The data that flows between services, as frozen pydantic models, in the order it flows.

    request -> storyboard -> narration | footage -> timeline -> steps (specs and outputs) -> job

Pure: nothing here imports a framework, a store or a queue.
"""
