-- Version 4: the last attempts of an endpoint.
--
-- The sums of a tenant are in the tables of version 3, in the place of an endpoint: with the negative key
-- of the tenant.
CREATE INDEX attempts_by_endpoint ON attempts (endpoint, at);
