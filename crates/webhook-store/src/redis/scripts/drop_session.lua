-- ARGV: the hash of a session. Returns the session, or false.
return drop_session(ARGV[1])
