-- Everybody is let in without a name and given an address made up for them. Who says in the address which broken line
-- they come from (`previd`) gets the same one again, so that it can be taken up; stock Prosody would make up another.
-- Where tokens are asked for (see mod_meet_tokens), nobody is let in who brings none that is good.
local jid, uuid = require "util.jid", require "util.uuid";
local formdecode = require "util.http".formdecode;

local asks = module:get_option_boolean("meet_asks_for_tokens");
local lines = module:shared "/*/smacks/resumption-tokens"; -- user@host/token, of lines that are open or may come back

local function begin(event)
	local asked = formdecode(event.request.url.query or "");
	event.session.meet_line = type(asked) == "table" and asked.previd or nil;
end

local function name_on(line)
	for address in pairs(line and lines or {}) do
		local name, _, token = jid.split(address);
		if token == line then return name; end
	end
	return uuid.generate();
end

local function sign_in(session)
	local handler = { profile = {} };
	function handler.mechanisms() return { ANONYMOUS = true }; end
	function handler.select(_, mechanism) return mechanism == "ANONYMOUS"; end
	function handler.process(self)
		if asks and not session.meet_claims then return "failure", "not-allowed", "token required"; end
		self.username = name_on(session.meet_line);
		return "success";
	end
	function handler.clean_clone() return sign_in(session); end
	return handler;
end

module:hook_global("websocket-session", begin);
module:hook_global("bosh-session", begin);
module:provides("auth", { get_sasl_handler = sign_in, user_exists = function () return nil; end });
