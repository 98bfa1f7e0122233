DROP TABLE mailing_recipients;
DROP TABLE mailings;
