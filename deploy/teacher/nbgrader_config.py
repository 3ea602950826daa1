"""The course of a teacher on the hub: in the home folder, under `course`."""

import os
from pathlib import Path

c = get_config()  # noqa: F821

load_subconfig("../nbgrader_config.py")  # noqa: F821

c.CourseDirectory.course_id = os.environ["CMPX_COURSE"]
c.CourseDirectory.root = str(Path.home() / "course")
c.Exchange.root = os.environ["CMPX_EXCHANGE"]
