emit --list
