DROP TABLE articles;
DROP TABLE images;
