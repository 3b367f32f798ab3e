help --completion tcsh
