-- ARGV: owners. Takes jobs that are gone off their lists, and owners without active jobs off the list of owners.
for _, owner in ipairs(ARGV) do
  for _, job in ipairs(redis.call('SDIFF', 'active:' .. owner, 'active')) do redis.call('SREM', 'active:' .. owner, job) end
  if redis.call('EXISTS', 'active:' .. owner) == 0 then redis.call('SREM', 'owners', owner) end
end
return 1
