-- 1 KiB, to 64 names in turn, which are made once and then replaced; with the word `new` to a name of its own each time.
wrk.method = "PUT"
wrk.body = string.rep("0123456789abcdef", 64)
wrk.headers["Content-Type"] = "application/octet-stream"
local counter = 0
local isNew = false
init = function(words)
  isNew = words[1] == "new"
end
request = function()
  counter = counter + 1
  return wrk.format(nil, "/put/" .. (isNew and counter or counter % 64) .. ".bin")
end
