-- Asks the link gateway about a request, with HAProxy's own HTTP client (2.6 or newer): nothing else is needed.
-- Sets txn.gate to "allowed", "refused" or "away", and on "allowed" the headers for the platform.
-- Rule that holds here: whatever is not a clear 200 of the gateway lets nobody through.

local URL = os.getenv("GATE_URL")
local TIMEOUT_MS = 5000

-- What the gateway looks at; the rest of a guest's headers is none of its business.
local ASKED_WITH = {
    "cookie", "accept", "accept-language", "origin", "sec-fetch-site", "sec-fetch-dest", "service-worker",
    "sec-websocket-key", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host",
}
local TOLD = {
    "x-gateway-visitor", "x-gateway-role", "x-gateway-door", "x-gateway-name", "x-gateway-signature", "cookie",
}

-- A name as careless platforms read it: User_Id, user.id and User-Id are one.
local function folded(name)
    return (name:lower():gsub("[^a-z0-9]", "-"))
end

-- What the gateway says nothing under, no guest says either: [upstream] strip, in every spelling.
local function strip(txn, said)
    local empty = {}
    for name, lines in pairs(said) do
        if lines[0] == "" then
            empty[folded(name)] = true
        end
    end
    for name in pairs(txn.http:req_get_headers()) do
        if empty[folded(name)] then
            txn.http:req_del_header(name)
        end
    end
end

local function question(txn)
    local guest, asked = txn.http:req_get_headers(), {}
    for _, name in ipairs(ASKED_WITH) do
        if guest[name] then
            asked[name] = {}
            for i = 0, #guest[name] do
                asked[name][i + 1] = guest[name][i]
            end
        end
    end
    asked["x-forwarded-method"] = { txn.f:method() }
    asked["x-forwarded-uri"] = { txn.f:pathq() }
    return asked
end

core.register_action("gate", { "http-req" }, function(txn)
    txn:set_var("txn.gate", "away")
    local answer = core.httpclient():get({ url = URL, headers = question(txn), timeout = TIMEOUT_MS })
    if not answer or not answer.status or answer.status < 200 then
        return
    end
    if answer.status >= 500 and not answer.headers["x-gateway-verdict"] then
        return -- HAProxy's own words: nobody answered
    end
    if answer.status ~= 200 then
        txn:set_var("txn.gate", "refused")
        return
    end
    for _, name in ipairs(TOLD) do
        local said = answer.headers[name]
        if not said then
            return -- not the gateway's answer
        end
        txn.http:req_del_header(name)
        if said[0] ~= "" then
            txn.http:req_set_header(name, said[0])
        end
    end
    strip(txn, answer.headers)
    local renewed = answer.headers["set-cookie"]
    if renewed then
        txn:set_var("txn.gate_renewed", renewed[0])
    end
    txn:set_var("txn.gate", "allowed")
end)
