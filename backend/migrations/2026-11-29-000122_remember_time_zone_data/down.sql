DROP TABLE time_zone_data;
