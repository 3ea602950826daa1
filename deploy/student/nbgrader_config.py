"""What a student's server knows of the course."""

import os

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = os.environ["CMPX_COURSE"]
c.CourseDirectory.student_id = os.environ["JUPYTERHUB_USER"]
c.Exchange.root = os.environ["CMPX_EXCHANGE"]
