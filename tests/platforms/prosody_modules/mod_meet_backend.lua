-- The page, whatever its address; and the two addresses by which a backend puts people out of Jitsi's rooms, as Jitsi's
-- modules document them, with a bearer that is signed with the secret:
--   PUT /kick-participant?room=NAME          {"participantId": "the last part of the occupant's address in the room"}
--   POST /end-meeting?conference=ROOM-JID
local jid, json, jwt = require "util.jid", require "util.json", require "util.jwt";
local formdecode = require "util.http".formdecode;

local muc = module:get_option_string("meet_rooms");
local secret = module:get_option_string("meet_token_secret");

local function allowed(request)
	local good, claims = jwt.verify(secret, (request.headers.authorization or ""):match("^Bearer (.+)$") or "");
	return good and (claims.exp or 0) >= os.time();
end

local function query(request, name)
	local asked = formdecode(request.url.query or "");
	return type(asked) == "table" and asked[name] or nil;
end

local function room_of(address)
	return address and prosody.hosts[muc].modules.muc.get_room_from_jid(jid.prep(address) or "");
end

local function kick(event)
	local request = event.request;
	local asked = json.decode(request.body or "");
	if request.headers.content_type ~= "application/json" or not (asked and asked.participantId) then return 400; end
	if not allowed(request) then return 403; end
	local room = room_of(jid.join(query(request, "room") or "", muc));
	local nick = room and room.jid .. "/" .. asked.participantId;
	if not room or not room:get_occupant_by_nick(nick) then return 404; end
	room:set_role(true, nick, nil);
	return 200;
end

local function finish(event)
	local address = query(event.request, "conference");
	if not address then return 400; end
	if not allowed(event.request) then return 401; end
	local room = room_of(address);
	if not room then return 404; end
	room:destroy(nil, "The meeting has been terminated");
	return 200;
end

module:depends("http");
module:provides("http", {
	default_path = "/";
	route = {
		["PUT kick-participant"] = kick;
		["POST end-meeting"] = finish;
		["GET /*"] = function () return "<!doctype html><p>A page that connects to its room."; end;
	};
});
