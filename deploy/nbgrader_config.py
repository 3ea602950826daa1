"""nbgrader for a class with this book, in either language: copy it into the folder of the course and set the two names."""

import os
import sys

from nbgrader import preprocessors as usual

from cmpx import grading

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "cmpx"
# c.Exchange.root = "/srv/nbgrader/exchange"  # where students fetch and hand in; they must be able to write there

c.GenerateAssignment.preprocessors = [
    usual.IncludeHeaderFooter,
    grading.Release,
    usual.LockCells,
    usual.ClearOutput,
    usual.CheckCellMetadata,
    usual.ComputeChecksums,
    usual.SaveCells,
    usual.ClearHiddenTests,
    usual.ClearMarkScheme,
    usual.ComputeChecksums,
    usual.CheckCellMetadata,
]

c.Autograde.exporter_class = grading.Reader
c.Autograde.pre_convert_hook = grading.adopt
c.Autograde.sanitize_preprocessors = [
    usual.ClearOutput,
    grading.Mend,
    usual.OverwriteKernelspec,
    usual.OverwriteCells,
    usual.CheckCellMetadata,
]
c.Autograde.autograde_preprocessors = [
    grading.Examine,
    grading.Save,
    usual.AssignLatePenalties,
    usual.CheckCellMetadata,
]
# c.Examine.variants = False  # everybody has the book's own constants

c.GenerateFeedback.preprocessors = [
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
    grading.Hide,
    usual.GetGrades,
]

c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", ".graded*"]

# nbgrader starts alembic by its name
os.environ["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
