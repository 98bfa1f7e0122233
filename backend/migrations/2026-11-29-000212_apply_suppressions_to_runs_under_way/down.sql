ALTER TABLE suppressions DROP COLUMN applied;
