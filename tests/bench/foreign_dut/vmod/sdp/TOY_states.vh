parameter ST_IDLE = 0, ST_AR = 1, ST_R = 2, ST_W = 3, ST_B = 4;
