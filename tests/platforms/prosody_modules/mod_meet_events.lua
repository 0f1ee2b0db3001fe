-- Tells what happens in rooms, in the shape of jitsi-contrib's event_sync: a POST with a bearer for each room that
-- begins or ends and for each person who joins or leaves. For tests: nothing is repeated that was not taken.
local http, jid, json = require "net.http", require "util.jid", require "util.json";

local prefix = module:get_option_string("api_prefix");
local bearer = module:get_option_string("meet_events_bearer");
local calls = {}; -- by room: since when, and everybody who was ever in

local function post(path, name, room, more)
	local said = { event_name = name, room_jid = room.jid, room_name = jid.node(room.jid), is_breakout = false };
	for key, value in pairs(more) do said[key] = value; end
	http.request(prefix .. "/events/" .. path, {
		method = "POST";
		body = json.encode(said);
		headers = { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. bearer };
	}, function () end);
end

local function inside(call)
	local count = 0;
	for _, person in ipairs(call.people) do
		if not person.left_at then count = count + 1; end
	end
	return count;
end

-- A room begins with the first who joins; Prosody itself says so only afterwards.
local function call_of(room)
	local call = calls[room.jid];
	if not call then
		call = { created_at = os.time(), people = {} };
		calls[room.jid] = call;
		post("room/created", "muc-room-created", room, { created_at = call.created_at });
	end
	return call;
end

module:hook("muc-occupant-joined", function (event)
	local call = call_of(event.room);
	local user = event.origin.meet_claims and event.origin.meet_claims.context and event.origin.meet_claims.context.user;
	local person = { occupant_jid = event.occupant.jid, joined_at = os.time() };
	for _, key in ipairs { "name", "id", "email" } do person[key] = user and user[key] or nil; end
	call.people[#call.people + 1] = person;
	post("occupant/joined", "muc-occupant-joined", event.room, { occupant = person, active_occupants_count = inside(call) });
end, -2);

module:hook("muc-occupant-left", function (event)
	local call = calls[event.room.jid];
	for _, person in ipairs(call and call.people or {}) do
		if person.occupant_jid == event.occupant.jid and not person.left_at then
			person.left_at = os.time();
			post("occupant/left", "muc-occupant-left", event.room,
				{ occupant = person, active_occupants_count = inside(call) });
		end
	end
end, -2);

module:hook("muc-room-destroyed", function (event)
	local call = calls[event.room.jid];
	calls[event.room.jid] = nil;
	if call then
		post("room/destroyed", "muc-room-destroyed", event.room,
			{ created_at = call.created_at, destroyed_at = os.time(), all_occupants = call.people });
	end
end, -2);
