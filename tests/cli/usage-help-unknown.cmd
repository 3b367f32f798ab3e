help plann
