-- Orthanc sends each CT slice on as it arrives; ichnet waits until its series is complete. What comes
-- from ichnet is no CT and goes nowhere.
function OnStoredInstance(instanceId, tags, metadata, origin)
  if tags['Modality'] == 'CT' then
    SendToModality(instanceId, 'ichnet')
  end
end
