"""Every benchmark of this folder, one after the other: python -m benchmarks, or make bench."""

from importlib import import_module
from pathlib import Path

for path in sorted(Path(__file__).parent.glob("bench_*.py")):
    import_module(f"benchmarks.{path.stem}").main()
