-- Who may come in, by the token in the address, as Jitsi asks it: signed with the secret, for this audience, not yet
-- expired, and for this room alone. Unless `meet_asks_for_tokens` everybody may, as in a Jitsi without authentication.
-- HS256 alone, which is what this Prosody's own util.jwt knows.
local jid, jwt = require "util.jid", require "util.jwt";
local formdecode = require "util.http".formdecode;
local st = require "util.stanza";

local secret = module:get_option_string("meet_token_secret");
local asks = module:get_option_boolean("meet_asks_for_tokens");
local audience = module:get_option_string("meet_token_audience", "jitsi");

local function read(token)
	local good, claims = jwt.verify(secret, token or "");
	if not good or claims.aud ~= audience or (claims.exp or 0) < os.time() or (claims.nbf or 0) > os.time() then
		return nil;
	end
	return claims;
end

local function begin(event)
	local asked = formdecode(event.request.url.query or "");
	event.session.meet_claims = read(type(asked) == "table" and asked.token or nil);
end

local function may_join(event)
	local claims, room = event.origin.meet_claims, jid.node(event.room.jid);
	if asks and not (claims and claims.room and claims.room:lower() == room) then
		event.origin.send(st.error_reply(event.stanza, "auth", "not-allowed"));
		return true;
	end
end

module:hook("muc-room-pre-create", may_join, 99);
module:hook("muc-occupant-pre-join", may_join, 99);
module:hook_global("websocket-session", begin);
module:hook_global("bosh-session", begin);
