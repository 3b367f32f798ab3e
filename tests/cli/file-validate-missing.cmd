validate nothing-here.json
