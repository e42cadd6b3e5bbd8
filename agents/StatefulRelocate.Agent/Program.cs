Console.Error.WriteLine("relocate-agent: not there yet");
return 1;
