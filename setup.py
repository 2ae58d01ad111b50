"""Package definition; requirements stand in requirements/, the version in mmgaitemo/version.py."""

from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent


def requirements(name: str) -> list[str]:
    """Lines of requirements/NAME.txt without comments."""
    lines = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


version: dict[str, str] = {}
exec((ROOT / "mmgaitemo" / "version.py").read_text(encoding="utf-8"), version)

setup(
    name="mmgaitemo",
    version=version["__version__"],
    description="Self-supervised learning of the emotion in a walk from skeleton sequences (SSAL and its baselines)",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=["mmgaitemo", "mmgaitemo.*"]),
    package_data={
        "mmgaitemo": [
            "py.typed",
            "conversion/joint_maps/*.json",
            "models_zoo/*.pth",
            "visualization/templates/*",
            "webui/templates/*",
        ]
    },
    install_requires=requirements("runtime"),
    extras_require={name: requirements(name) for name in ("optional", "tests", "docs")},
)
